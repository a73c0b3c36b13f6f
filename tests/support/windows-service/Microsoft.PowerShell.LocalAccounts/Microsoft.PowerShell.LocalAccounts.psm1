# A stand-in for two cmdlets of Microsoft.PowerShell.LocalAccounts (MicrosoftDocs/PowerShell-Docs, reference/5.1).

. (Join-Path -Path (Split-Path -Path $PSScriptRoot -Parent) -ChildPath 'world.ps1')

function Get-LocalUser {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Position = 0)][string[]]$Name)
    Add-Call 'Get-LocalUser' $PSBoundParameters
    foreach ($account in (Read-World).accounts) {
        [pscustomobject]@{ Name = $account.name; Enabled = -not $account.disabled; SID = "S-1-5-21-1-2-3-$($account.rid)" }
    }
}

function Get-LocalGroupMember {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(ParameterSetName = 'Default', Mandatory = $true, Position = 0)][string]$Name,
        [Parameter(ParameterSetName = 'SecurityIdentifier', Mandatory = $true, Position = 0)][string]$SID
    )
    Add-Call 'Get-LocalGroupMember' $PSBoundParameters
    $world = Read-World
    if ($world.groupUnreadable) { throw 'Failed to compare two elements in the array.' }
    foreach ($account in $world.accounts | Where-Object { -not $_.limited }) {
        [pscustomobject]@{ Name = "HV1\$($account.name)"; SID = "S-1-5-21-1-2-3-$($account.rid)" }
    }
}

Export-ModuleMember -Function Get-LocalUser, Get-LocalGroupMember
