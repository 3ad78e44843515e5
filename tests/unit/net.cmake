# The workers over real sockets; and the server's status, its document and its socket.
blowback_unit_tests(test_net THREADS
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/net_responders.cc ${CMAKE_CURRENT_LIST_DIR}/net_tcp.cc ${CMAKE_CURRENT_LIST_DIR}/net_metrics.cc ${CMAKE_CURRENT_LIST_DIR}/net_status.cc ${CMAKE_CURRENT_LIST_DIR}/net_status_socket.cc
  USES blowback::net blowback::answer blowback::zone blowback::config blowback::core blowback::json Threads::Threads)
# For TcpConnections, which is no public header of the room.
target_include_directories(test_net PRIVATE ${PROJECT_SOURCE_DIR}/server/net)
