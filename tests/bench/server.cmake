# The server's benchmarks. A flood of broken packets, a steady load and a sink for transfers use a running server on loopback, so they need none
# of its rooms; server_follow.py and server_bulk.py start a server themselves. The index is measured separately.
foreach(program server_flood dns_load axfr_sink)
  add_executable(${program} ${CMAKE_CURRENT_LIST_DIR}/${program}.cc)
  target_link_libraries(${program} PRIVATE blowback::fmt blowback::warnings)
  string(JOIN ", sanitized " build_type ${CMAKE_BUILD_TYPE} ${BLOWBACK_SANITIZE})
  target_compile_definitions(${program} PRIVATE "BLOWBACK_BUILD_TYPE=\"${build_type}\"")
endforeach()

add_executable(zone_index ${CMAKE_CURRENT_LIST_DIR}/zone_index.cc)
target_link_libraries(zone_index PRIVATE blowback::zone blowback::core blowback::warnings)

add_executable(answer_speed ${CMAKE_CURRENT_LIST_DIR}/answer_speed.cc)
target_link_libraries(answer_speed PRIVATE blowback::answer blowback::zone blowback::config blowback::core blowback::warnings)

add_executable(zone_difference ${CMAKE_CURRENT_LIST_DIR}/zone_difference.cc)
target_link_libraries(zone_difference PRIVATE blowback::transfer blowback::answer blowback::zone blowback::config blowback::core blowback::system blowback::warnings)
