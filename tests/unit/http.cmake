# HTTP around the pages: targets, clients behind proxies, how often they may ask, and the server on loopback.
blowback_unit_tests(test_http THREADS
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/http_requests.cc ${CMAKE_CURRENT_LIST_DIR}/http_server.cc
  USES blowback::http blowback::system Threads::Threads)
