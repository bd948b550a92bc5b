"""
Any kernel's real KVM on any machine: QEMU emulates a machine that has hardware virtualization.

It needs qemu-system-x86_64 and SeaBIOS, and a kernel with kvm_amd.
"""
