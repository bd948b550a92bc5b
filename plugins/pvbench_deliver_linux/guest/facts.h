/* facts.h - what the guest's kernel is, and how it found its virtual machine. */
#pragma once

/* Send each fact to the host. */
void say_facts(void);
