#include "database_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <sys/stat.h>
#include <system_error>

namespace blowback::schema {
namespace {

using Code = StoreError::Code;

[[nodiscard]] StoreError system_failed(const std::string& what, int error, std::string_view remedy) {
  const bool full = error == ENOSPC || error == EDQUOT;
  const bool forbidden = error == EACCES || error == EPERM || error == EROFS;
  return {full        ? Code::full
          : forbidden ? Code::read_only
                      : Code::other,
          what + ": " + std::generic_category().message(error) + "; " + std::string(remedy)};
}

[[nodiscard]] const char* kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "directory";
    case S_IFIFO:
      return "FIFO";
    case S_IFSOCK:
      return "socket";
    default:
      return "device";
  }
}

/// False: there is no file. Fails if its folder or the target of a link doesn't exist.
[[nodiscard]] Result<bool> nothing_at(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_symlink(path, ignored)) {
    return std::unexpected(StoreError{Code::missing, path + ": is a symbolic link to " +
                                                         std::filesystem::read_symlink(path, ignored).string() +
                                                         ", which doesn't exist; mount that file system or restore the "
                                                         "database, or remove the link to create a new one"});
  }
  if (const auto folder = folder_of(path); !std::filesystem::is_directory(folder, ignored)) {
    return std::unexpected(StoreError{Code::missing, path + ": its folder doesn't exist; create it (`mkdir -p " +
                                                         folder + "`) or set `database` to another path"});
  }
  return false;
}

}  // namespace

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

int flush_folder_of(const std::string& path) {
  const int folder = open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int error = folder >= 0 && fsync(folder) == 0 ? 0 : errno;
  if (folder >= 0) close(folder);
  return error;
}

std::optional<FileId> file_id(const std::string& path) {
  struct stat file{};
  if (stat(path.c_str(), &file) != 0) return std::nullopt;
  return FileId{.device = file.st_dev, .inode = file.st_ino};
}

Result<bool> stands_at(const std::string& path) {
  struct stat file{};
  if (stat(path.c_str(), &file) != 0) {
    if (errno == ENOENT) return nothing_at(path);
    return std::unexpected(
        system_failed(path, errno, "check `database` in the config, and the permissions of that folder"));
  }
  if (!S_ISREG(file.st_mode)) {
    return std::unexpected(StoreError{Code::corrupt, path + ": is a " + kind_of(file.st_mode) +
                                                         ", not a database; restore the database, or set `database` "
                                                         "to another file"});
  }
  if (file.st_size == 0) {
    return std::unexpected(StoreError{
        Code::corrupt, path + ": is an empty file, which a database never is: its content is lost; restore the last "
                              "backup, or remove it (with its -wal and -shm) to create a new one"});
  }
  return true;
}

bool begins_as_ours(const std::string& path) {
  // https://sqlite.org/fileformat2.html §1.3: the magic string, and at offset 68 the application id.
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  constexpr std::size_t kIdOffset = 68;
  constexpr std::string_view kId = "BLOW";
  std::array<char, 100> header{};
  const int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  const bool whole = pread(fd, header.data(), header.size(), 0) == static_cast<ssize_t>(header.size());
  close(fd);
  const std::string_view read(header.data(), header.size());
  return whole && read.starts_with(kMagic) && read.substr(kIdOffset, kId.size()) == kId;
}

std::string resolved(const std::string& path) {
  std::error_code failed;
  const auto real = std::filesystem::canonical(path, failed);
  return failed ? path : real.string();
}

Result<void> make_private_file(const std::string& path) {
  constexpr mode_t kOwnerAndGroup = 0640;
  constexpr std::string_view kRemedy = "give this user write permission on that folder";
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerAndGroup);
  if (fd < 0) return std::unexpected(system_failed(path, errno, kRemedy));
  struct stat folder{};
  const bool given =
      geteuid() != 0 || (stat(folder_of(path).c_str(), &folder) == 0 && fchown(fd, folder.st_uid, folder.st_gid) == 0);
  const int error = errno;
  close(fd);
  if (given) return {};
  unlink(path.c_str());
  return std::unexpected(system_failed(
      path, error, "it can't be given to the owner of its folder; run this as the user of blowback-ingest"));
}

void let_group_write(const std::string& path) {
  struct stat file{};
  if (stat(path.c_str(), &file) != 0 || (file.st_mode & S_IRGRP) == 0) return;
  static_cast<void>(chmod(path.c_str(), (file.st_mode & 07777U) | S_IWGRP));
}

Making::Making(const std::string& path) : path_(path), part_(path + ".new-" + std::to_string(gettid())) {}

Making::~Making() {
  for (const auto* const suffix : {"", "-journal"}) unlink((part_ + suffix).c_str());
}

Result<void> Making::begin() {
  unlink(part_.c_str());  // left by a killed process with the same thread id
  auto made = make_private_file(part_);
  if (made) let_group_write(part_);
  return made;
}

Result<bool> Making::put_in_place() {
  // Unlike rename(2), link(2) never replaces a database that another process has created meanwhile.
  bool placed = link(part_.c_str(), path_.c_str()) == 0;
  if (!placed && errno == EEXIST) return false;
  // Some file systems have no hard links.
  if (!placed) placed = rename(part_.c_str(), path_.c_str()) == 0;
  if (!placed) return std::unexpected(system_failed(path_, errno, "give this user write permission on that folder"));
  // If the machine fails before the folder is on the disk, the database is created again: nothing was recorded yet.
  static_cast<void>(flush_folder_of(path_));
  return true;
}

}  // namespace blowback::schema
