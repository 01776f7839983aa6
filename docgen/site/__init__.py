"""The documentation site: the repository's pages as mkdocs builds them, and the check of what it built."""
