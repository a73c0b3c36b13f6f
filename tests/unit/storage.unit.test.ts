// Which paths every node of the cluster reaches, and which names mean one file.
import { describe, expect, it } from 'vitest';
import { isOnShare, isSharedPath, samePath } from '../../domain/storage.ts';
import { labOf, host, vm } from './lab-fixture.ts';

describe('a path on a share', () => {
  it.each([
    '\\\\SOFS\\VHDX\\web-1.vhdx',
    '\\\\sofs.lab.internal\\VHDX\\web-1.vhdx',
    '\\\\SOFS.LAB.INTERNAL\\vhdx\\deep\\web-1.vhdx',
    '\\\\192.168.101.31\\VHDX\\web-1.vhdx',
    '\\\\fe80--1.ipv6-literal.net\\VHDX\\web-1.vhdx',
    '//sofs.lab.internal/VHDX/web-1.vhdx',
    '\\\\?\\UNC\\sofs\\VHDX\\web-1.vhdx',
    '\\\\?\\unc\\sofs.lab.internal\\VHDX\\web-1.vhdx',
  ])('%s is reached by every node', (path) => {
    expect(isOnShare(path)).toBe(true);
    expect(isSharedPath(path, [])).toBe(true);
  });

  it.each([
    '\\\\?\\C:\\VMs\\web-1.vhdx',
    '\\\\?\\Volume{6f4c1f2e-0000-0000-0000-100000000000}\\web-1.vhdx',
    '\\\\.\\PhysicalDrive2\\web-1.vhdx',
    '\\\\.\\UNC\\web-1.vhdx',
    '\\\\sofs\\VHDX',
    '\\\\sofs\\VHDX\\..\\..\\web-1.vhdx',
    '\\\\localhost\\VMs\\web-1.vhdx',
    '\\\\127.0.0.1\\VMs\\web-1.vhdx',
    'D:\\VMs\\web-1.vhdx',
  ])('%s is none', (path) => {
    expect(isSharedPath(path, [])).toBe(false);
  });

  it('is one file by all its names', () => {
    expect(samePath('\\\\?\\UNC\\SOFS\\v\\a.vhdx', '//sofs/V/A.vhdx')).toBe(true);
    expect(samePath('\\\\?\\C:\\ClusterStorage\\a.vhdx', 'c:/clusterstorage/A.vhdx')).toBe(true);
    expect(samePath('C:\\a.vhdx', 'C:\\b.vhdx')).toBe(false);
  });

  it('lets its VM move in the lab, which lists no volume for it', () => {
    const lab = labOf(
      `sharedVolumes: []\nnodes:\n${host('HV1')}\n${host('HV2')}\nvirtualMachines:\n${vm(
        'db-1',
        'HV1',
        "disks: ['\\\\sofs.lab.internal\\VMs\\db-1.vhdx'], configurationPath: '\\\\sofs.lab.internal\\VMs'",
      )}\n`,
    );
    lab.start('db-1', 'HV2');
    lab.pass(300);
    expect(lab.vm('db-1').owner).toBe('HV2');
  });
});
