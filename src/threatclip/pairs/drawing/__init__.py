"""Pictures drawn by numpy for the embedded samples: shapes on textures, and scenes of threat events."""
