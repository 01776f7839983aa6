"""Surveys: who is due for one, and who was sent one."""
