// gimbal rl: reinforcement learning of a language model.
import { rlCommand } from '../rl/command.ts';

export const command = rlCommand('rl');
