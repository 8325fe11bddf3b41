#!/usr/bin/env bash
# Runs a static x86-64 Linux program on an emulated Tiger Lake (AVX-512 F/BW/DQ/VL/VNNI): Bochs boots a Linux kernel
# whose first process runs it. Output and exit status are the program's; 125 where the machine did not finish.
#   tools/emulate/run.sh PROGRAM [ARGUMENT...]
# A boot takes about 17 s and the program runs some hundred times slower than on this machine.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
cache=${EMULATE_CACHE:-$here/../../build-emulate/machine}
limit=${EMULATE_SECONDS:-2400}

[ $# -gt 0 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
program=$1
shift
kernel=$("$here/kernel.sh" "$cache")

machine=$(mktemp -d)
trap 'rm -rf "$machine"' EXIT
mkdir -p "$machine"/initrd/{dev,proc,tmp} "$machine"/cd/isolinux

gcc -O2 -Wall -static "$here/init.c" -o "$machine/initrd/init"
strip -o "$machine/initrd/test" "$program"
printf '%s\n' "$@" >"$machine/initrd/args"
(cd "$machine/initrd" && find . | cpio -o -H newc --quiet | gzip -1 >"$machine/cd/initrd.gz")
cp "$kernel" "$machine/cd/vmlinuz"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$machine/cd/isolinux/"
# Bochs 2.7 announces fsrm, pku, xsavec and xsaves, but the kernel's use of them fails; the rest saves boot time.
cat >"$machine/cd/isolinux/isolinux.cfg" <<END
DEFAULT lathe
PROMPT 0
LABEL lathe
  KERNEL /vmlinuz
  APPEND initrd=/initrd.gz console=ttyS0,115200 quiet clearcpuid=fsrm,pku,xsavec,xsaves mitigations=off nokaslr nosmp tsc=reliable random.trust_cpu=on cryptomgr.notests
END
xorriso -as mkisofs -quiet -o "$machine/boot.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot \
  -boot-load-size 4 -boot-info-table "$machine/cd" 2>/dev/null

cat >"$machine/bochsrc" <<END
display_library: rfb, options="timeout=0"
cpu: model=tigerlake, count=1, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest=256, host=256
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$machine/boot.iso, status=inserted
boot: cdrom
clock: sync=none, time0=local
sound: driver=dummy
com1: enabled=1, mode=file, dev=$machine/serial
log: $machine/log
panic: action=fatal
error: action=ignore
info: action=ignore
END
echo c >"$machine/commands" # Debian's Bochs has the debugger built in: continue
: >"$machine/serial"
status=0
BXSHARE=/usr/share/bochs timeout "$limit" bochs-bin -q -f "$machine/bochsrc" -rc "$machine/commands" \
  >"$machine/out" 2>&1 </dev/null || status=$?

tr -d '\r' <"$machine/serial" >"$machine/text" || true
sed '1,/^@@begin@@$/d; /^@@exit [0-9]*@@$/,$d' "$machine/text"
code=$(sed -n 's/^@@exit \([0-9]*\)@@$/\1/p' "$machine/text")
if [ -z "$code" ]; then
  echo "run.sh: the emulated machine did not finish (bochs ended with $status; 124 is the limit of $limit s)" >&2
  tail -n 5 "$machine/text" "$machine/out" >&2
  exit 125
fi
exit "$code"
