# Watari.HyperV: what watari asks of a Hyper-V cluster node and does to it, one function for each operation. Written for
# Windows PowerShell 5.1, runs in PowerShell 7 too. Every function looks first, acts only if something is left to do,
# and may be called twice. ASCII only: 5.1 reads a file without BOM in the code page of the system.
#
# Import-Module .\Watari.HyperV.psd1; Get-Command -Module Watari.HyperV; Get-Help Start-WatariMove

# Cmdlets that are script functions or CDXML do not see our $ErrorActionPreference: an error of theirs would pass.
$script:PSDefaultParameterValues = @{ '*:ErrorAction' = 'Stop' }
$ErrorActionPreference = 'Stop'
# Without a console Install-WindowsFeature fails when it wants to draw a progress bar.
$ProgressPreference = 'SilentlyContinue'

# One that is loaded already stays: the lab loads its own.
if (-not (Get-Module -Name 'Watari.Probe')) {
    Import-Module -Name (Join-Path -Path $PSScriptRoot -ChildPath 'Watari.Probe.psd1') -DisableNameChecking
}

. (Join-Path -Path $PSScriptRoot -ChildPath 'foundation.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'evidence.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'node.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'setup.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'reach.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'vm-look.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'vm.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'cluster.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'role.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'group.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'updates.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'storage.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'protocol.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'contact.ps1')

Export-ModuleMember -Function *-Watari*
