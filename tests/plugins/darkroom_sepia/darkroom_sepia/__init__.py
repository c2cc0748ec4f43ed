"""A tool of another package: what CONTRIBUTING shows, and what the tests run."""
