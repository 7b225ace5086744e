"""Basic operations through etcd3, a client with threads; run by an interpreter that has it."""

import sys

import etcd3

client = etcd3.client(host=sys.argv[1], port=int(sys.argv[2]))

client.put("b/1", "one")
client.put("b/2", "two")
assert client.get("b/1")[0] == b"one"
assert [meta.key for _, meta in client.get_prefix("b/")] == [b"b/1", b"b/2"]

done, _ = client.transaction(
    compare=[client.transactions.value("b/1") == "one"],
    success=[client.transactions.put("b/1", "changed")],
    failure=[],
)
assert done
assert client.get("b/1")[0] == b"changed"
assert client.replace("b/1", "changed", "again")
assert not client.replace("b/1", "changed", "never")

events, cancel = client.watch("w3")
client.put("w3", "seen")
assert next(events).value == b"seen"
cancel()

lease = client.lease(60)
client.put("leased3", "x", lease=lease)
assert lease.remaining_ttl > 50
lease.refresh()
lease.revoke()
assert client.get("leased3")[0] is None

with client.lock("mutex3", ttl=10):
    pass

assert client.delete("b/2")
assert client.get("b/2")[0] is None
assert list(client.members)
assert client.status().leader is not None
