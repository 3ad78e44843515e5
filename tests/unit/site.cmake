# From a request to an answer, with the real templates and a real database, without sockets.
blowback_unit_tests(test_site
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/site_answers.cc
  USES blowback::site blowback::page blowback::account blowback::schema blowback::score blowback::json blowback::fmt)
if(TARGET test_site)
  target_include_directories(test_site PRIVATE ${PROJECT_SOURCE_DIR}/web/site)
endif()
