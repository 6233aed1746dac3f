"""What whoever runs the system asks: does it keep up, what is kept out, what waits."""
