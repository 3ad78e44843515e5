# What the server tells of itself: the document and the socket. Its workers are tested in integration, over real sockets.
blowback_unit_tests(test_net
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/net_status.cc ${CMAKE_CURRENT_LIST_DIR}/net_status_socket.cc
  USES blowback::net blowback::config blowback::core blowback::json Threads::Threads)
