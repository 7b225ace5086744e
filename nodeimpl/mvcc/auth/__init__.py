"""Users, roles, and who may do what (etcd, op-guide/authentication/rbac)."""
