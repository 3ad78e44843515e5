# The server as clients and resolvers see it.
blowback_integration_test(server_answers 120 asan tsan)
blowback_integration_test(server_transport 120 asan tsan)
blowback_integration_test(server_life 180 asan tsan)
blowback_integration_test(server_reload 180 asan tsan)
blowback_integration_test(server_status 120 asan tsan)
blowback_integration_test(server_probe 120 asan tsan)
blowback_integration_test(server_edns_compliance 120 asan)
blowback_integration_test(server_behind_resolvers 120)
# Knot DNS and BIND sign the zone; the same resolvers validate it.
blowback_integration_test(server_dnssec 180)
blowback_integration_test(server_guards 120 asan tsan)
blowback_integration_test(server_sandbox 120)
# The same zone from other servers: NSD, Knot DNS, BIND.
blowback_integration_test(zone_beside_peers 300)
blowback_integration_test(server_transfer 360 asan tsan)
blowback_integration_test(server_transfer_tls 300 asan tsan)
blowback_integration_test(server_secondaries 300 asan tsan)
blowback_integration_test(server_transfer_consistency 120 asan tsan)
