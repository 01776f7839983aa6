"""Reports: what commands print, as documents and as text for the terminal."""
