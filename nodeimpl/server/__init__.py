"""The daemon: the only code of a node that meets the clock, the network and the disk.

| module | what |
|---|---|
| `flags` | the command line and the environment, with etcd's names |
| `cluster_ids` | who is who, from `--initial-cluster` |
| `clock` | the node's monotonic clock |
| `driver` | gives the node its inputs and carries out its effects, in order |
| `disk` | the one thread that writes and syncs: group commit |
| `network`, `frames` | what members say to each other over TCP |
| `grpc_*` | etcd's services over gRPC |
| `daemon` | all of it together, from start to graceful stop |
"""
