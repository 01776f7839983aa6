"""The settings: one frozen object, how it is read, and what each setting must satisfy."""
