# The workers over real sockets, and what the server tells of itself: the document and the socket.
blowback_unit_tests(test_net
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/net_responders.cc ${CMAKE_CURRENT_LIST_DIR}/net_metrics.cc ${CMAKE_CURRENT_LIST_DIR}/net_status.cc ${CMAKE_CURRENT_LIST_DIR}/net_status_socket.cc
  USES blowback::net blowback::answer blowback::zone blowback::config blowback::core blowback::json Threads::Threads)
