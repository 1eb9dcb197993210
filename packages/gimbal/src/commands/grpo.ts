// gimbal grpo: gimbal rl with its preset grpo.
import { rlCommand } from '../rl/command.ts';

export const command = rlCommand('grpo');
