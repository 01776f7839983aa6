"""All reports for other programs, read only: over HTTP, and as tools of an assistant (MCP)."""
