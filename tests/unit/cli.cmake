# The operator's tool: how it prints, and the commands as one function
# on a real database. `conform` and `doctor` ask scripted servers.
blowback_unit_tests(test_cli
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/cli_classify.cc ${CMAKE_CURRENT_LIST_DIR}/cli_command.cc ${CMAKE_CURRENT_LIST_DIR}/cli_compare.cc ${CMAKE_CURRENT_LIST_DIR}/cli_conform.cc ${CMAKE_CURRENT_LIST_DIR}/cli_doctor.cc
          ${CMAKE_CURRENT_LIST_DIR}/cli_export.cc ${CMAKE_CURRENT_LIST_DIR}/cli_flatten.cc
          ${CMAKE_CURRENT_LIST_DIR}/cli_history.cc ${CMAKE_CURRENT_LIST_DIR}/cli_many.cc ${CMAKE_CURRENT_LIST_DIR}/cli_output.cc
          ${CMAKE_CURRENT_LIST_DIR}/cli_removals.cc ${CMAKE_CURRENT_LIST_DIR}/cli_server_status.cc
          ${CMAKE_CURRENT_LIST_DIR}/cli_tool.cc ${CMAKE_CURRENT_LIST_DIR}/cli_wide.cc
  USES blowback::cli blowback::config blowback::schema blowback::score blowback::system blowback::ldns blowback::json blowback::fmt Threads::Threads)
if(TARGET test_cli)
  # What is behind the room's door is tested, too.
  target_include_directories(test_cli PRIVATE ${PROJECT_SOURCE_DIR}/cli)
endif()

# One zone, whoever serves it: the server's answers and the tool's export, which share nothing but the vocabulary.
blowback_unit_tests(test_canonical_zone
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/cli_canonical_zone.cc
  USES blowback::answer blowback::zone blowback::cli blowback::config blowback::core blowback::ldns)
if(TARGET test_canonical_zone)
  target_include_directories(test_canonical_zone PRIVATE ${PROJECT_SOURCE_DIR}/cli)
endif()
