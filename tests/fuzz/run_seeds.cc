// Replaces libFuzzer for compilers without it: passes each file named on the command line to the target once, in a
// buffer of its exact size, so that AddressSanitizer detects an overrun.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const auto exact = std::make_unique<std::uint8_t[]>(content.size());
    std::copy(content.begin(), content.end(), exact.get());
    LLVMFuzzerTestOneInput(exact.get(), content.size());
  }
  std::printf("%d seeds\n", argc - 1);
  return argc > 1 ? 0 : 1;
}
