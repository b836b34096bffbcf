from .certifying import certificate as certificate, save_certificate as save_certificate
