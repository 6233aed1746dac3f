"""History for people: tracks and what follows from them, who was there, who is near, long work as jobs; every look has a purpose and is audited."""
