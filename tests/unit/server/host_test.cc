#include "server/host.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace redline {
namespace {

constexpr std::string_view kBefore =
    "cpu  100 10 50 800 20 5 15 0 0 0\ncpu0 50 5 25 400 10 2 8 0 0 0\n"
    "cpu1 50 5 25 400 10 3 7 0 0 0\nintr 1 2 3\nctxt 5\n";
constexpr std::string_view kAfter =
    "cpu  150 10 70 880 20 5 15 50 0 0\ncpu0 100 5 45 400 10 2 8 30 0 0\n"
    "cpu1 50 5 25 480 10 3 7 20 0 0\n";

TEST(CpuTimes, AreReadForTheMachineAndEachCore) {
  const CpuReading reading = parseCpuReading(kBefore);
  EXPECT_EQ(reading.all.busy, 180U);
  EXPECT_EQ(reading.all.idle, 820U);
  ASSERT_EQ(reading.cores.size(), 2U);
  EXPECT_EQ(reading.cores[1].busy, 90U);
}

TEST(CpuTimes, GiveSharesOfTheTimeBetweenTwoReadings) {
  const CpuReading before = parseCpuReading(kBefore);
  const CpuReading after = parseCpuReading(kAfter);
  EXPECT_DOUBLE_EQ(stealShare(before.all, after.all), 0.25);  // 50 of 200 ticks
  EXPECT_DOUBLE_EQ(busyShare(before.all, after.all), 0.35);   // 70 of 200
  EXPECT_DOUBLE_EQ(busyShare(before.cores[0], after.cores[0]), 0.7);
  EXPECT_DOUBLE_EQ(busyShare(before.cores[1], after.cores[1]), 0);
  EXPECT_DOUBLE_EQ(stealShare(after.all, before.all), 0);  // counters that step back
  EXPECT_DOUBLE_EQ(stealShare(before.all, before.all), 0);
}

TEST(HostTexts, AreReadForWhatMatters) {
  EXPECT_EQ(parseCpuModel("processor\t: 0\nmodel name\t: AMD EPYC 7763: 64\n"),
            "AMD EPYC 7763: 64");
  constexpr std::string_view kMeminfo =
      "MemTotal:       24684092 kB\nMemFree: 1 kB\nMemAvailable:   23000000 kB\n";
  EXPECT_EQ(parseMeminfo(kMeminfo, "MemAvailable"), 23000000ULL * 1024);
  EXPECT_EQ(parseMeminfo(kMeminfo, "Mem"), 0U);
  EXPECT_EQ(parseSelected("always [madvise] never\n"), "madvise");
  EXPECT_EQ(parseSelected(""), "");
  EXPECT_TRUE(parseConnectionTracking("nf_conntrack 172032 1 nf_nat, Live 0x0\n", ""));
  EXPECT_TRUE(parseConnectionTracking("", "17\n"));
  EXPECT_FALSE(parseConnectionTracking("nf_conntrack_helper 1 0\n", "0\n"));
  EXPECT_TRUE(parsePacketFilter("nf_tables 300000 1\n", ""));
  EXPECT_TRUE(parsePacketFilter("", "filter\n"));
  EXPECT_FALSE(parsePacketFilter("ext4 1 1\n", "\n"));
}

HostFacts goodHost() {
  HostFacts facts;
  facts.cores = 2;
  facts.hugePages = "madvise";
  facts.overcommit = 1;
  facts.otherLoad = {0.01, 0.0};
  return facts;
}

std::string warningsOf(const HostFacts& facts) {
  std::string text;
  for (const Warning& warning : hostWarnings(facts)) {
    EXPECT_FALSE(warning.effect.empty());
    EXPECT_FALSE(warning.fix.empty());
    text += warning.what + "\n";
  }
  return text;
}

TEST(HostWarnings, AreNoneOnAMachineThatIsSetUpWell) {
  EXPECT_EQ(warningsOf(goodHost()), "");
}

TEST(HostWarnings, NameEachThingThatSpoilsNumbers) {
  HostFacts facts = goodHost();
  facts.swapTotal = 2ULL << 30;
  facts.swapFree = 1ULL << 30;
  facts.hugePages = "always";
  facts.overcommit = 0;
  facts.connectionTracking = true;
  facts.otherLoad = {0.0, 0.42};
  facts.steal = 0.031;
  const std::string text = warningsOf(facts);
  for (const char* part : {"steals 3.1%", "core 1 is already 42% busy", "swap is on",
                           "transparent huge pages", "overcommit_memory is 0", "nf_conntrack"})
    EXPECT_NE(text.find(part), std::string::npos) << part;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 6);
}

// Linux 5.2 made the heuristic of overcommit 0 let through all that fits memory and swap.
TEST(HostWarnings, TellOfRefusedForksOnlyWhereTheKernelRefusesThem) {
  HostFacts facts = goodHost();
  facts.overcommit = 0;
  facts.kernel = "6.1.0-18-amd64";
  EXPECT_EQ(warningsOf(facts), "");
  facts.kernel = "4.19.0-26-amd64";
  EXPECT_EQ(warningsOf(facts), "vm.overcommit_memory is 0\n");
  facts.kernel = "6.1.0-18-amd64";
  facts.overcommit = 2;
  EXPECT_EQ(warningsOf(facts), "vm.overcommit_memory is 2\n");
}

TEST(Kernel, VersionsAreComparedByNumber) {
  EXPECT_TRUE(kernelIsAtLeast("5.2.0", 5, 2));
  EXPECT_TRUE(kernelIsAtLeast("5.10.0-8-amd64", 5, 2));
  EXPECT_TRUE(kernelIsAtLeast("6.18.44-fc-v782", 5, 2));
  EXPECT_FALSE(kernelIsAtLeast("5.1.21", 5, 2));
  EXPECT_FALSE(kernelIsAtLeast("", 5, 2));
  EXPECT_FALSE(kernelIsAtLeast("unknown", 5, 2));
}

TEST(HostWarnings, TellOfOneCoreAndOfAPacketFilter) {
  HostFacts facts = goodHost();
  facts.cores = 1;
  facts.packetFilter = true;
  const std::string text = warningsOf(facts);
  EXPECT_NE(text.find("one core"), std::string::npos);
  EXPECT_NE(text.find("packet filter"), std::string::npos);
}

TEST(HostWarnings, TellWhenMemoryIsScarce) {
  HostFacts facts = goodHost();
  facts.memoryTotal = 16ULL << 30;
  facts.memoryAvailable = 1ULL << 30;
  EXPECT_NE(warningsOf(facts).find("only 1 GB of 16 GB memory is available"), std::string::npos)
      << warningsOf(facts);
  facts.memoryAvailable = 2ULL << 30;
  EXPECT_EQ(warningsOf(facts), "");
}

TEST(HostWarnings, SayInOneLineWhatItIsWhatItDoesAndHowToChangeIt) {
  EXPECT_EQ(warningText({"swap is on", "slow", "swapoff -a"}),
            "swap is on: slow (to change it: swapoff -a)");
}

TEST(Filesystem, IsThatOfTheDeepestMountThatHoldsThePath) {
  constexpr std::string_view kMounts =
      "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/vdb /tmp/disk xfs rw 0 0\n"
      "/dev/vdc /over ext4 rw 0 0\ntmpfs /over tmpfs rw 0 0\n";
  EXPECT_EQ(parseFilesystem(kMounts, "/home/me"), "ext4");
  EXPECT_EQ(parseFilesystem(kMounts, "/tmp"), "tmpfs");
  EXPECT_EQ(parseFilesystem(kMounts, "/tmp/a"), "tmpfs");
  EXPECT_EQ(parseFilesystem(kMounts, "/tmpfiles"), "ext4");
  EXPECT_EQ(parseFilesystem(kMounts, "/tmp/disk/a"), "xfs");
  EXPECT_EQ(parseFilesystem(kMounts, "/over/a"), "tmpfs");
  EXPECT_EQ(parseFilesystem("", "/a"), "");
  EXPECT_FALSE(filesystemOf("/proc").empty());
}

TEST(Host, CanBeRead) {
  const HostFacts facts = readHost(0);
  EXPECT_FALSE(facts.kernel.empty());
  EXPECT_GE(facts.cores, 1U);
  EXPECT_GT(facts.memoryTotal, 0U);
  EXPECT_LE(facts.memoryAvailable, facts.memoryTotal);
}

}  // namespace
}  // namespace redline
