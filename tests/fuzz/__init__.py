"""Records made to break what reads them: decoder, fold, adapters, gateway and what is compiled."""
