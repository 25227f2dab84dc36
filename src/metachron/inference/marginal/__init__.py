"""Patient effects integrated out, patient by patient, on fixed quasi-random nodes."""
