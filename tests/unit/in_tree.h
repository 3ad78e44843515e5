// Where the project's files are, for tests that read some.
//
// A function and no macro: a test's object is the same in every clone then, and ccache finds it.
#pragma once

#include <filesystem>
#include <string_view>

namespace blowback::test {

/// The path of a file or folder of the project, such as "tests/data/mail".
[[nodiscard]] std::filesystem::path in_tree(std::string_view name);

}  // namespace blowback::test
