#include "cmd/foreign_flags.h"

#include <fmt/format.h>

#include <algorithm>

namespace redline {

std::span<const ForeignFlag> foreignFlags() {
  static const std::vector<ForeignFlag> all{
      {{"-n", "--requests", "-x", "--run-count"},
       "the number of requests, or of runs",
       "-duration and -rate: a run has a length, and as many operations as fall due in it"},
      {{"-c", "--clients"}, "connections", "-conns, which counts those of all threads together"},
      {{"-t"},
       "threads in memtier_benchmark, commands in redis-benchmark",
       "-threads, or -rw-ratio for the share of reads"},
      {{"-P"},
       "pipelined requests in redis-benchmark, the protocol in memtier_benchmark",
       "-pipeline"},
      {{"-d", "--data-size"}, "bytes of a value", "-value-size"},
      {{"--data-size-range", "--data-size-list", "--random-data", "-R"},
       "sizes and contents of values",
       "-value-size: all values have one size, and contents that can be verified"},
      {{"--ratio"}, "SETs to GETs, as in 1:10", "-rw-ratio, the share of reads: 1:10 is 0.91"},
      {{"--test-time"}, "length of the run in seconds", "-duration, as in -duration=30s"},
      {{"--rate-limiting"},
       "requests a second of each connection",
       "-rate, which is that of the whole run"},
      {{"-s", "--server", "--host", "-p", "--port", "-S", "--unix-socket"},
       "where the server listens",
       "-addr, as in -addr=127.0.0.1:6379 or -addr=unix:/run/redis.sock"},
      {{"-u", "--uri"}, "where the server listens", "-addr, which takes redis:// URLs too"},
      {{"-a", "--authenticate", "--askpass"},
       "the password",
       "REDLINE_PASSWORD in the environment, and -user"},
      {{"--cluster", "--cluster-mode"}, "a Redis Cluster", "-topology=cluster"},
      {{"-r", "--key-maximum", "--key-minimum", "--key-prefix"},
       "which keys are used",
       "-keys: they are obj:0 to obj:N-1, and 'redline loader' writes them first"},
      {{"--key-pattern", "--key-stddev", "--key-median", "--key-zipf-exp"},
       "how keys are chosen",
       "-dist and -zipf-s"},
      {{"--expiry-range", "--expiry"}, "times to live", "-ttl-frac, -ttl-min and -ttl-max"},
      {{"--json-out-file", "--out-file", "-o", "--csv"},
       "where results go",
       "-json=FILE, or -json=- for standard output"},
      {{"--hdr-file-prefix", "--print-percentiles"},
       "percentiles",
       "-out: the run directory has latency.hlog in HdrHistogram's format"},
      {{"--cert", "--key", "--cacert", "--cacertdir", "--sni", "--insecure", "--tls-skip-verify"},
       "TLS",
       "-tls with -tls-ca, -tls-cert, -tls-key, -tls-sni or -tls-insecure"},
      {{"-l", "--loop", "-k", "-q", "-e", "--precision", "--show-config", "-I", "--dbnum",
        "--select-db", "--protocol", "--distinct-client-seed", "--randomize", "--multi-key-get",
        "--num-slaves", "--wait-ratio", "--command", "--command-ratio"},
       "something that redline has no flag for",
       "'redline help driver'"},
  };
  return all;
}

std::string foreignFlagAdvice(std::string_view name) {
  for (const ForeignFlag& flag : foreignFlags())
    for (const std::string_view known : flag.names)
      if (known.substr(known.find_first_not_of('-')) == name)
        return fmt::format(
            "redis-benchmark's or memtier_benchmark's {} ({}): here use {}; docs/coming-from.md "
            "has the others",
            known, flag.means, flag.use);
  return {};
}

}  // namespace redline
