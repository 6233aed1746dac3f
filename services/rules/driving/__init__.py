"""What fatigue remembers of each driver on a vehicle, and what becomes of it with each fix."""
