add_executable(zone_index ${CMAKE_CURRENT_LIST_DIR}/zone_index.cc)
target_link_libraries(zone_index PRIVATE blowback::zone blowback::core blowback::warnings)
