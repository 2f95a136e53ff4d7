"""The networks: cells, generator, discriminator and controller. `cost` counts them without torch."""
