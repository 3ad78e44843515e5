// Catch2's main, compiled once for all unit test programs.
#include "in_tree.h"

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>

int main(int argc, char* argv[]) { return Catch::Session().run(argc, argv); }
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

std::filesystem::path blowback::test::in_tree(std::string_view name) {
  return std::filesystem::path(BLOWBACK_SOURCE_TREE) / name;
}
