"""What the packages mooncake and memcache_hybrid of Aquifer have in common, and the command
`aquifer-compat`."""
