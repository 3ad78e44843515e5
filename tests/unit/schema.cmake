blowback_unit_tests(test_schema
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/schema_open.cc ${CMAKE_CURRENT_LIST_DIR}/schema_record.cc ${CMAKE_CURRENT_LIST_DIR}/schema_retention.cc ${CMAKE_CURRENT_LIST_DIR}/schema_sketches.cc
          ${CMAKE_CURRENT_LIST_DIR}/schema_top.cc ${CMAKE_CURRENT_LIST_DIR}/schema_decide.cc
          ${CMAKE_CURRENT_LIST_DIR}/schema_find.cc ${CMAKE_CURRENT_LIST_DIR}/schema_history.cc ${CMAKE_CURRENT_LIST_DIR}/schema_killed.cc ${CMAKE_CURRENT_LIST_DIR}/schema_look_up.cc ${CMAKE_CURRENT_LIST_DIR}/schema_mend_times.cc
          ${CMAKE_CURRENT_LIST_DIR}/schema_removals.cc ${CMAKE_CURRENT_LIST_DIR}/schema_slices.cc ${CMAKE_CURRENT_LIST_DIR}/schema_undo.cc ${CMAKE_CURRENT_LIST_DIR}/schema_zone_serial.cc
  USES blowback::schema blowback::score blowback::core blowback::sqlite)
# For database_file.h, which is no public header of the room.
target_include_directories(test_schema PRIVATE ${PROJECT_SOURCE_DIR}/schema)
