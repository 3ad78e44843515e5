# The judge's benchmarks on any folder of messages: accuracy, speed, and the cost of hostile messages.
add_executable(judge_quality ${CMAKE_CURRENT_LIST_DIR}/judge_quality.cc)
target_link_libraries(judge_quality PRIVATE blowback::detect blowback::mail blowback::fmt blowback::warnings)
target_compile_definitions(judge_quality PRIVATE BLOWBACK_SIGNATURES="${PROJECT_SOURCE_DIR}/ingest/detect/signatures")

add_executable(judge_speed ${CMAKE_CURRENT_LIST_DIR}/judge_speed.cc)
target_link_libraries(judge_speed PRIVATE blowback::record blowback::detect blowback::mail blowback::feed blowback::score
                                          blowback::schema blowback::gmime blowback::fmt blowback::warnings)

add_executable(judge_hostile ${CMAKE_CURRENT_LIST_DIR}/judge_hostile.cc)
target_link_libraries(judge_hostile PRIVATE blowback::detect blowback::mail blowback::fmt blowback::warnings)
