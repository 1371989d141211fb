"""What leaves for other tools: answers as STIX bundles, Navigator layers and MISP events."""
