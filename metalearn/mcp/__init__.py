"""A server for the Model Context Protocol: recommendations for coding agents, over standard input and output."""

__all__: list[str] = []
