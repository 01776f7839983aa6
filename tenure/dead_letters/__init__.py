"""Dead letters that are looked at whole, mended, and sent again."""
