"""Words of a redis.conf that are no settings of ours: the ones that may be left out and the ones that may not."""

from __future__ import annotations

# Leaving these out would change who may do what, or where the data is: such a file is refused.
REFUSED = frozenset("aclfile cluster-enabled include loadmodule rename-command replicaof slaveof tls-port user".split())

# A refused word is harmless with one of these values.
OFF = frozenset({"", "0", "no"})

# These tune something that is not here, or that needs no tuning: they are named once and left out.
IGNORED = frozenset(
    """
    acl-pubsub-default acllog-max-len active-defrag-cycle-max active-defrag-cycle-min active-defrag-ignore-bytes
    active-defrag-max-scan-fields active-defrag-threshold-lower active-defrag-threshold-upper active-expire-effort
    activedefrag activerehashing always-show-logo aof-disable-auto-gc aof-load-truncated
    aof-rewrite-incremental-fsync aof-timestamp-enabled aof-use-rdb-preamble appenddirname appendfilename
    appendfsync appendonly auto-aof-rewrite-min-size auto-aof-rewrite-percentage availability-zone bind-source-addr
    cluster-allow-pubsubshard-when-down cluster-allow-reads-when-down
    cluster-allow-replica-migration cluster-announce-bus-port cluster-announce-hostname
    cluster-announce-human-nodename cluster-announce-ip cluster-announce-port cluster-announce-tls-port
    cluster-config-file cluster-link-sendbuf-limit cluster-migration-barrier cluster-node-timeout cluster-port
    cluster-preferred-endpoint-type cluster-replica-no-failover cluster-replica-validity-factor
    cluster-require-full-coverage crash-log-enabled crash-memcheck-enabled daemonize dbfilename disable-thp
    dynamic-hz enable-module-command enable-protected-configs hide-user-data-from-log hz ignore-warnings io-threads
    io-threads-do-reads jemalloc-bg-thread lazyfree-lazy-eviction lazyfree-lazy-expire lazyfree-lazy-server-del
    lazyfree-lazy-user-del lazyfree-lazy-user-flush lfu-decay-time lfu-log-factor list-compress-depth locale-collate
    log-format log-timestamp-format logfile loglevel masterauth masteruser
    max-new-connections-per-cycle max-new-tls-connections-per-cycle maxmemory maxmemory-clients
    maxmemory-eviction-tenacity maxmemory-policy maxmemory-samples min-replicas-max-lag min-replicas-to-write
    min-slaves-max-lag min-slaves-to-write no-appendfsync-on-rewrite oom-score-adj
    oom-score-adj-values pidfile prefetch-batch-max-size primaryauth primaryuser proc-title-template
    propagation-error-behavior rdb-del-sync-files rdb-save-incremental-fsync rdbchecksum rdbcompression
    repl-backlog-size repl-backlog-ttl repl-disable-tcp-nodelay repl-diskless-load repl-diskless-sync
    repl-diskless-sync-delay repl-diskless-sync-max-replicas repl-ping-replica-period repl-ping-slave-period
    repl-timeout replica-announce-ip replica-announce-port replica-announced replica-ignore-disk-write-errors
    replica-ignore-maxmemory replica-lazy-flush replica-priority replica-read-only replica-serve-stale-data
    sanitize-dump-payload save server-cpulist bio-cpulist aof-rewrite-cpulist bgsave-cpulist set-proc-title
    shutdown-on-sigint shutdown-on-sigterm shutdown-timeout slave-announce-ip slave-announce-port slave-lazy-flush
    slave-priority slave-read-only slave-serve-stale-data socket-mark-id
    stop-writes-on-bgsave-error supervised syslog-enabled syslog-facility syslog-ident tls-auth-clients
    tls-ca-cert-dir tls-ca-cert-file tls-cert-file tls-ciphers tls-ciphersuites tls-client-cert-file
    tls-client-key-file tls-cluster tls-dh-params-file tls-key-file tls-prefer-server-ciphers tls-protocols
    tls-replication tls-session-cache-size tls-session-cache-timeout tls-session-caching
    unixsocketgroup
    """.split()
)
