"""Run folders of every kind and their pages, made once in each worker."""

from tests.builders.report_pages import folders, odd_pages, pages

__all__ = ["folders", "odd_pages", "pages"]
