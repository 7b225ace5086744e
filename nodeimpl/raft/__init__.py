"""Consensus: it replicates a log and does not know what a command means.

Read it beside the paper (Ongaro and Ousterhout, "In Search of an Understandable Consensus
Algorithm", extended version; "thesis" is Ongaro's), in this order:

| module | what | paper |
|---|---|---|
| `messages`, `effects` | what nodes say to each other; what they ask of their driver | Figure 2 |
| `log` | the entries and their invariants | §5.3 |
| `configuration` | who is a member, and whose voice counts | §6 |
| `quorum` | majorities | §5.2, §5.3, §6 |
| `progress` | what a leader knows of a follower | Figure 2, thesis §10.2.1 |
| `seen_requests` | at most once, in bounded memory | §8 |
| `roles`, `state` | what each role has; what a node has | §5.1, Figure 2 |
| `transitions` | how roles change | Figure 4 |
| `election` | votes, and who may win | §5.2, §5.4.1 |
| `check_quorum` | leaders that are heard, and that nobody hears | thesis §6.2, §4.2.3 |
| `pre_vote` | asking before disturbing | thesis §9.6 |
| `replication` | the leader's side, and the commit rule | §5.3, §5.4.2 |
| `acceptance` | the follower's side | §5.3 |
| `snapshots` | trimming the log; sending the state in its place | §7 |
| `installation` | the follower's side of that | §7, Figure 13 |
| `proposals` | commands on their way to the leader | §8 |
| `reads` | ReadIndex | thesis §6.4 |
| `configuration_log` | the members as the log tells them | §6 |
| `membership` | learners, and changes by joint consensus | §6, thesis §4 |
| `transfer` | handing leadership over | thesis §3.10 |
| `core` | who handles what | Figure 2 |
| `invariants` | what always holds of one node | Figure 3 |

Each decision of the paper is one small function, looked up in its module when it is called, so a
planted bug replaces exactly one of them and nothing here knows about bugs.
"""
