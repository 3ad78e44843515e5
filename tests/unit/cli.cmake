# The operator's tool: the account of a sender, the advice, the mask over traps, and how it prints. The commands as a whole
# are tested in integration, and here as one function on a real database.
blowback_unit_tests(test_cli
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/cli_account.cc ${CMAKE_CURRENT_LIST_DIR}/cli_account_text.cc
          ${CMAKE_CURRENT_LIST_DIR}/cli_account_kept.cc
          ${CMAKE_CURRENT_LIST_DIR}/cli_advice.cc ${CMAKE_CURRENT_LIST_DIR}/cli_flatten.cc
          ${CMAKE_CURRENT_LIST_DIR}/cli_history.cc ${CMAKE_CURRENT_LIST_DIR}/cli_many.cc ${CMAKE_CURRENT_LIST_DIR}/cli_masked.cc
          ${CMAKE_CURRENT_LIST_DIR}/cli_output.cc ${CMAKE_CURRENT_LIST_DIR}/cli_server_status.cc
          ${CMAKE_CURRENT_LIST_DIR}/cli_tool.cc ${CMAKE_CURRENT_LIST_DIR}/cli_wide.cc
  USES blowback::cli blowback::config blowback::schema blowback::score blowback::json blowback::fmt)
if(TARGET test_cli)
  # What is behind the room's door is tested, too.
  target_include_directories(test_cli PRIVATE ${PROJECT_SOURCE_DIR}/cli)
endif()
