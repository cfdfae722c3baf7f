"""A plugin of Beam's workers: when a worker imports this module, it counts bytes. Beam has no other hook for this."""

from limbeck.beam_processes import byte_counts

byte_counts.install()
