"""The recount: every number of the product once more, naively and from the whole log, by the words of the definitions.

Not the product: nothing here imports it, so that agreement means something. README.md beside this file says how
sentences are read that can be read in more than one way.
Definitions: the KPI definitions, sections 1 to 5; the contract of events, topics and JSON.
"""
