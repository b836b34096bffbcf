"""The documentation: pages, their Sphinx configuration, and what makes the gallery."""
