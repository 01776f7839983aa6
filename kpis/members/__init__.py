"""Who is counted, and who nearly was: the rules of membership that explanations and lenses follow."""
