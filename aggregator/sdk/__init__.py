"""All that a connector may import: contract, http, html, discovery, sandbox, testing."""
